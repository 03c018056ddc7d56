"""The sagas of this app: one file each, with a `Saga` named `saga`, or a function of that name which makes one."""
