"""As much of AWS as jobs stand on, in one process and in no time: it passes the contract tests that moto passes."""
