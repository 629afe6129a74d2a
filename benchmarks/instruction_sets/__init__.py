"""Does a released model decide the same on processors without AVX-512 and VNNI? They are emulated."""
