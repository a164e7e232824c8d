"""What `lab` says to an AWS through boto3: which AWS that is, finding things by name, running commands."""
