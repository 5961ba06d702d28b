"""What the web process answers beside the pages: the live socket, health, and the guards around all."""
