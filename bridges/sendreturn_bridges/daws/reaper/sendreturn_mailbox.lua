-- sendreturn-bridge @VERSION@: where this machine's daemon has its mailbox. It is no action of its own.
return [==[@MAILBOX@]==]
