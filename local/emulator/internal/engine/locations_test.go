package engine

import (
	"fmt"
	"sync"
	"testing"

	"supergame/local/emulator/internal/epk"
)

// TestLocationsAreGuesses puts wrong entries into every slot that an item has, also while others write: no read may be misled.
func TestLocationsAreGuesses(t *testing.T) {
	e := open(t, Options{})
	c := container(t, e, plain, 1)
	const n = 3 * fewLocations
	places := make([]docID, n)
	for i := range n {
		key, id := epk.Strings(fmt.Sprint("p", i%7)), fmt.Sprint("item", i)
		if _, err := c.Write(key, []Op{{Kind: OpCreate, Body: doc(id, fmt.Sprint("p", i%7))}}, WriteOptions{}); err != nil {
			t.Fatal(err)
		}
		_, partition, _ := c.locate(nil, key)
		places[i] = e.locations.find(e.locations.hash(c.idKey(nil, partition, id)))
	}
	if len(*e.locations.slots.Load()) <= fewLocations {
		t.Error("the table did not grow")
	}
	var mislead sync.WaitGroup
	stop := make(chan struct{})
	mislead.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			key, id := epk.Strings(fmt.Sprint("p", i%7)), fmt.Sprint("item", i%n)
			_, partition, _ := c.locate(nil, key)
			e.locations.store(e.locations.hash(c.idKey(nil, partition, id)), places[(i*31+7)%n])
		}
	})
	for i := range n {
		key, id := epk.Strings(fmt.Sprint("p", i%7)), fmt.Sprint("item", i)
		got, err := c.Read(key, id, ReadOptions{})
		if err != nil || idOf(t, got.Body) != id {
			t.Fatalf("%s: %s, %v", id, got.Body, err)
		}
		if i%5 == 0 {
			if _, err := c.Write(key, []Op{{Kind: OpDelete, ID: id}}, WriteOptions{}); err != nil {
				t.Fatal(err)
			}
			_, err := c.Read(key, id, ReadOptions{})
			wantStatus(t, id, err, StatusNotFound, 0)
			put(t, c, fmt.Sprint("p", i%7), Op{Kind: OpCreate, Body: doc(id, fmt.Sprint("p", i%7))}) // at another place
			if got := get(t, c, fmt.Sprint("p", i%7), id); idOf(t, got.Body) != id {
				t.Fatalf("%s: %s", id, got.Body)
			}
		}
	}
	close(stop)
	mislead.Wait()
}
