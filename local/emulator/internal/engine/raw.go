package engine

import "github.com/cockroachdb/pebble/v2"

// Raw hands every key and value of the store to each, after what has expired was removed: documents, indexes, and what the change feed still has.
// They share memory that is only good for the call.
func (e *Engine) Raw(each func(key, value []byte) error) (err error) {
	if _, err := e.Sweep(); err != nil {
		return err
	}
	if err := e.gate.enter(); err != nil {
		return err
	}
	defer e.gate.leave()
	it, err := e.db.NewIter(&pebble.IterOptions{})
	if err != nil {
		return err
	}
	defer func() {
		if closed := it.Close(); err == nil {
			err = closed
		}
	}()
	for it.First(); it.Valid(); it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return err
		}
		if err := each(it.Key(), value); err != nil {
			return err
		}
	}
	return it.Error()
}
