package engine

// The refusals with the service's own words.

func errExists() *Error {
	return refuse(StatusConflict, 0, "Entity with the specified id already exists in the system.")
}

func errMissing() *Error {
	return refuse(StatusNotFound, 0, "Entity with the specified id does not exist in the system.")
}

func errNoOwner() *Error {
	return refuse(StatusNotFound, SubOwnerNotFound, "Owner resource does not exist")
}

func errPrecondition() *Error {
	return refuse(StatusPreconditionFailed, 0, "Operation cannot be performed because one of the specified precondition is not met.")
}

func errUnchanged() *Error { return refuse(StatusNotModified, 0, "Not modified") }

func errUnique() *Error {
	return refuse(StatusConflict, 0, "Unique index constraint violation.")
}

func errRangeGone(id string) *Error {
	return refuse(StatusGone, SubRangeGone, "The partition key range %s is gone: it was split.", id)
}

func errSession() *Error {
	return refuse(StatusNotFound, SubSessionNotAvailable, "The read session is not available for the input session token.")
}
