"""What a person wants of a picture: each mode turns a wish into a job and an answer into something to show."""
