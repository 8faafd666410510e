"""Every board in software, speaking the wire formats of the real one."""
