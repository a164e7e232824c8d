"""What `lab` does through boto3: connect to an account, find things by name, run commands, wait, and clean up."""
