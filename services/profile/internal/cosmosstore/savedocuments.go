package cosmosstore

import (
	"time"

	"supergame/services/platform/cosmos"
	"supergame/services/profile/internal/save"
)

// The saves of a player: one directory of what is known of them, and one document for each content.
//
// A content is written and deleted only in a batch that replaces the directory under its version. So the directory orders all writes, a content
// needs no version of its own, and is never read in order to be replaced. It follows that the schema version of the directory speaks for
// the contents too: raise both together, and an older program, which does not rewrite the directory, leaves the contents alone.
const (
	idSaves       = "saves"
	contentPrefix = "s|"
)

// savesDoc is the directory. With 20 slots in ordinary use it has about 10 KB; with 50 slots that are filled to the brim it stays
// under 300 KB, so that a batch has room for it and a content of 1 MiB, in base64 1.4 MB.
type savesDoc struct {
	cosmos.Header
	PlayerID string             `json:"playerId"`
	Revision int64              `json:"revision"`
	Slots    map[string]slotDoc `json:"slots,omitempty"`
}

// slotDoc is what is known of a save.
type slotDoc struct {
	versionDoc
	Description string            `json:"description,omitempty"`
	PlayTime    int64             `json:"playTime,omitempty"` // milliseconds
	Attributes  map[string]string `json:"attributes,omitempty"`
	Public      bool              `json:"public,omitempty"`
	CreateTime  instant           `json:"createTime"`
	Earlier     []versionDoc      `json:"earlier,omitempty"` // newest first
}

type versionDoc struct {
	ETag       string  `json:"etag"`
	Hash       string  `json:"sha256"`
	Size       int64   `json:"size"`
	UpdateTime instant `json:"updateTime"`
	Device     string  `json:"device,omitempty"`
}

// contentDoc is the content of a slot.
type contentDoc struct {
	cosmos.Header
	PlayerID string `json:"playerId"`
	ETag     string `json:"etag"` // the version whose content this is
	Content  []byte `json:"content"`
}

// saveMarkerDoc holds the answer of a request that wrote or deleted a save.
type saveMarkerDoc struct {
	cosmos.Header
	PlayerID string  `json:"playerId"`
	Slot     string  `json:"slot"`
	Save     slotDoc `json:"save"`
}

func newSaveMarker(playerID string, op cosmos.Operation, answer save.Save) *saveMarkerDoc {
	marker := &saveMarkerDoc{PlayerID: playerID, Slot: answer.Slot, Save: newSlotDoc(save.Slot{Save: answer})}
	marker.ID, marker.TTL = markerID(idSaves, op), markerTTL
	return marker
}

func (d *saveMarkerDoc) head() *cosmos.Header { return &d.Header }

func (d *saveMarkerDoc) answer() save.Save { return d.Save.save(d.Slot) }

func newSlotDoc(s save.Slot) slotDoc {
	doc := slotDoc{
		versionDoc: newVersionDoc(s.Version), Description: s.Description, PlayTime: s.PlayTime.Milliseconds(), Attributes: s.Attributes,
		Public: s.Public, CreateTime: instant(s.CreateTime),
	}
	for _, version := range s.Earlier {
		doc.Earlier = append(doc.Earlier, newVersionDoc(version))
	}
	return doc
}

func newVersionDoc(v save.Version) versionDoc {
	return versionDoc{ETag: v.ETag, Hash: v.Hash, Size: v.Size, UpdateTime: instant(v.UpdateTime), Device: v.Device}
}

func (d versionDoc) version() save.Version {
	return save.Version{ETag: d.ETag, Hash: d.Hash, Size: d.Size, UpdateTime: time.Time(d.UpdateTime), Device: d.Device}
}

func (d slotDoc) save(slot string) save.Save {
	return save.Save{
		Version: d.version(), Slot: slot, Description: d.Description, PlayTime: time.Duration(d.PlayTime) * time.Millisecond,
		Attributes: d.Attributes, Public: d.Public, CreateTime: time.Time(d.CreateTime),
	}
}

func (d slotDoc) slot(name string) save.Slot {
	slot := save.Slot{Save: d.save(name)}
	for _, version := range d.Earlier {
		slot.Earlier = append(slot.Earlier, version.version())
	}
	return slot
}

func (d *savesDoc) directory() save.Directory {
	directory := save.Directory{PlayerID: d.PlayerID, Revision: d.Revision, Slots: make(map[string]save.Slot, len(d.Slots))}
	for name, slot := range d.Slots {
		directory.Slots[name] = slot.slot(name)
	}
	return directory
}

func (d *savesDoc) set(directory save.Directory) {
	d.Revision, d.Slots = directory.Revision, make(map[string]slotDoc, len(directory.Slots))
	for name, slot := range directory.Slots {
		d.Slots[name] = newSlotDoc(slot)
	}
}
