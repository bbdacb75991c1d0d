"""The forges that pull requests are opened on, behind one narrow protocol (protocol.py)."""
