package emulator

import "math"

// The model of request charges follows the service's table of costs by size and its rule of 0.2 RU for each term that a write
// adds to or removes from the index (learn.microsoft.com/azure/cosmos-db/understand-request-unit-consumption).
// The table is for session reads; strong and bounded staleness double them.
var (
	readTable  = [...]float64{1, 1.04, 1.14, 1.33, 1.67, 2.19, 4.76, 9.95, 20.28, 40.95, 145.90, 291.80}
	writeTable = [...]float64{4.95, 6.29, 6.67, 7.04, 9.52, 11.23, 22.67, 48.19, 98.29, 184.57, 625, 1250}
)

const (
	termCharge    = 0.2  // each index term added or removed
	patchCharge   = 0.4  // each operation of a patch, on top of the replace
	missCharge    = 1.0  // 404, 304 and an empty poll of the change feed: not documented, assumed
	metaCharge    = 1.0  // reads of databases, containers, ranges, offers
	metaWrite     = 4.95 // writes of them
	queryBase     = 2.8  // any query page
	lookupCharge  = 0.1  // each value looked up in the index
	loadShare     = 0.0415
	outputCharge  = 0.0113
	sortCharge    = 0.04
	feedItemShare = 0.05
)

// bySize interpolates a table whose columns are 1, 2, 4 ... 2048 KB; below 1 KB all costs the same.
func bySize(table *[12]float64, size int) float64 {
	kb := float64(size) / 1024
	if kb <= 1 {
		return table[0]
	}
	column := int(math.Log2(kb))
	if column >= len(table)-1 {
		return table[len(table)-1] * kb / 2048
	}
	low := math.Exp2(float64(column))
	return table[column] + (table[column+1]-table[column])*(kb-low)/low
}

func readCharge(size int) float64 { return bySize(&readTable, size) }

func createCharge(size, terms int) float64 {
	return bySize(&writeTable, size) + termCharge*float64(terms)
}

func replaceCharge(size, removed, inserted int) float64 {
	return 2*bySize(&writeTable, size) + termCharge*float64(removed+inserted)
}

func deleteCharge(size, terms int) float64 { return createCharge(size, terms) }

func patchOnTop(operations int) float64 { return patchCharge * float64(operations) }

// queryWork is what a page of a query did.
type queryWork struct {
	lookups   int   // values of the filter that the index was asked for
	loaded    int64 // documents read: all of the partition when the index does not help
	loadBytes int64
	output    int64
	sorted    bool // sorted in memory: the order is not that of an index
}

// charge is fitted to the figures that the documents give for single queries over 8,618 items of about 4 KB: 2.98 RU for one item
// by an indexed property, 409.51 for the scan, 8.86 for a page of 100 in the order of a composite index and 44.28 without it.
func (w queryWork) charge() float64 {
	ru := queryBase + lookupCharge*float64(w.lookups) + outputCharge*float64(w.output)
	if w.loaded > 0 {
		ru += float64(w.loaded) * loadShare * readCharge(int(w.loadBytes/w.loaded))
	}
	if w.sorted {
		ru += sortCharge * float64(w.loaded)
	}
	return ru
}

// feedCharge is the price of a page of the change feed: not documented, assumed as a share of the point reads.
func feedCharge(items, bytes int) float64 {
	if items == 0 {
		return missCharge
	}
	return missCharge + float64(items)*feedItemShare*readCharge(bytes/items)
}
