// Package engine is the storage half of the emulator: databases, containers, items, physical ranges, change log, offers and
// session tokens on one pebble store. It knows no HTTP and no SQL.
//
//	e, err := engine.Open(engine.Options{})                       // in memory
//	_, err = e.CreateDatabase("db", nil)
//	c, err := e.CreateContainer("db", properties, engine.ContainerOptions{})
//	r, err := c.Write(epk.Strings("p"), []engine.Op{{Kind: engine.OpCreate, Body: body}}, engine.WriteOptions{})
//	token := r.Token().String()                                   // "0:-1#1"
//
// # Keys
//
// Everything of a container begins with the same five bytes, so that deleting it is one range deletion. "place" is a docID:
// 16 bits part, 37 bits LSN, 7 bits operation, of the write that created the document; "partition" is the effective partition key in
// binary, then the key itself.
//
//	01 kind number                          format version, counters, databases, containers with their ranges, offers
//	02 container 'd' place partition     -> header (LSN, part, operation, seconds, ttl), the document as given
//	02 container 'i' partition id        -> place
//	02 container 'p' partition place     ->                a logical partition in order of insertion
//	02 container 'l' part LSN operation  -> time, place, partition            the change log
//	02 container 'e' time place partition ->               items with a ttl of their own
//	02 container 'u' partition n hash    -> place          unique keys
//	02 container 'r' part                -> LSN, time      how far a range has come
//	02 container 'x'                        free, for a secondary index: path, value, place, partition. Its entries go into the batch of
//	                                        the write that makes them, in put and remove; a scan gets one more kind of places
//
// A document is stored without system properties; they are appended when it is read, and an ETag is a function of container,
// LSN, operation and second. So numbers keep the digits the client sent, and a version costs no more than its text.
//
// # Reading
//
// An item is found by its id in two steps, place and document. A table in memory guesses the place (locations), so that mostly the
// document is read at once; what is found there has to be the item asked for. Places are never given twice, so that a wrong guess
// finds nothing or another item, under any view.
//
// # Writing
//
// A physical range is a part. A write takes the lock of its part, reads what it meets, decides, gives the next LSN to all of its
// operations, applies one batch, and releases the lock: so operations on a part are linearizable and LSNs become visible in their
// order. Only then it waits for the log, together with others. A reader takes no lock, but before it answers it waits until what
// it may have seen is safe (durability), so nothing observed is ever undone by a crash. In memory there is no log and no wait.
//
// Locks are taken in this order: Engine.mu (names), Container.admin (replace, split, delete), part.mu. Option functions (Now,
// Terms, Op.Patch) must not call the engine.
//
// # Change feed
//
// A version has one entry in the log of the part it was written in; the next version, a delete or an expiry removes it with its own
// batch: once set, once deleted, so that entry and tombstone go together when they meet. A log remembers below which LSN nothing is
// left (floor). A page reads the log in a snapshot up to the LSN that the snapshot has, and never ends between two versions of one LSN.
//
// # Splits
//
// Keys name no range, so a split moves nothing: it stores two new parts, whose LSNs go on where the parent's stopped. A child's
// history is its ancestors' logs up to the split, filtered by its bounds, then its own. A token or a continuation of the parent
// therefore means the same in its children, and a scan's position, a place, is valid under any topology.
//
// # Time
//
// Expiry is decided when something is read, by the engine's clock and the container's present default; an expired item is as if
// deleted, but for its bytes, which go when a write meets them or in a sweep.
package engine
