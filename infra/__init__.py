"""The AWS side of Backstay, derived from the tasks below functions/."""
