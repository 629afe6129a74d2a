"""Calibrating a camera from pictures: judging them, the certificate, its picture, its checks."""
