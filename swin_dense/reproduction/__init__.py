"""What is published, what of it was trained again here, and whether published weights give the published numbers."""
