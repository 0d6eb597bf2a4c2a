r"""The ImageNet experiment of Singh et al. 2015, for readers with the images and the machines."""
