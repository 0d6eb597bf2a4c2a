r"""The ImageNet experiment of Singh et al. 2015, for whoever has the images and the machines."""
