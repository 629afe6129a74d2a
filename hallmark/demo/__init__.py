"""The main job on real images with embedded defaults."""
