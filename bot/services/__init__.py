"""What people and Discord can ask of Pledge: one transaction each, no sentences, no Discord."""
