"""A glance_store driver that keeps images in slipway."""
