"""Who gets in where: every way in, tried by everybody, on the simulated Discord."""
