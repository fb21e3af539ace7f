"""What the loader is made of; ``torch.utils.data._utils``."""

MP_STATUS_CHECK_INTERVAL = 5.0  # seconds between two looks at whether a worker still lives
