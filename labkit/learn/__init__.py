"""What makes a course of the notebooks: catching up with the chapters before."""
