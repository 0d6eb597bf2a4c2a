r"""The chapters are made (release), handed out (workspace), and the setup checked (doctor)."""
