r"""Keep labs in a saved notebook until their cells are run again.

JupyterLab saves the state of those widgets only that a kernel knows. After a notebook was opened
again, the next save would drop the labs that still show in it, and then they could not be shown.
"""

import json
import re
from pathlib import Path

STATE = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"


def keep_labs(model: dict, path: str, contents_manager: object, **more: object) -> None:
    r"""Add to a notebook that is being saved what its file knows of the widgets in its outputs.

    Args:
        model: of Jupyter's contents manager; it is changed.
        path: of the file, relative to the manager's root.
        contents_manager: the manager.
        more: what it passes besides.
    """
    if model["type"] != "notebook":
        return
    content = model["content"]
    outputs = [o for cell in content["cells"] for o in cell.get("outputs", ())]
    views = [output["data"][VIEW] for output in outputs if VIEW in output.get("data", {})]
    known = content["metadata"].get("widgets", {}).get(STATE, {}).get("state", {})
    todo = [view["model_id"] for view in views if view["model_id"] not in known]
    if not todo:
        return
    try:
        file = Path(contents_manager.root_dir, path.strip("/")).read_bytes()
        old = json.loads(file)["metadata"]["widgets"][STATE]
        states = old["state"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    kept = {}
    while todo:
        id = todo.pop()
        if id in states and id not in known and id not in kept:
            kept[id] = states[id]
            todo += re.findall(r"IPY_MODEL_(\w+)", json.dumps(states[id]["state"]))
    if kept:
        content["metadata"]["widgets"] = {STATE: old | {"state": known | kept}}
