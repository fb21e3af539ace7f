"""Ways from PyTorch to torchlike without an edit."""
