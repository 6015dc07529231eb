// Package datadir keeps what a local run needs from one start to the next: the emulator's data, and the secrets that in Azure
// come from Key Vault and from managed identities. It is a folder that may be deleted at any time.
//
//	.data/version    what wrote the folder; another version is refused, not misread
//	.data/keys.json  the secrets, made at random on the first start, readable by the owner only
//	.data/cosmos/    the emulator's data
//	.data/ca.pem     the certificate authority of the emulator's HTTPS, new at every start
package datadir

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"supergame/local/emulator"
)

// Version of the folder's layout and of the documents in it. A change that older data do not survive raises it.
const Version = "supergame-data 1"

// Names in the folder.
const (
	versionFile  = "version"
	cosmosFolder = "cosmos"
	newSuffix    = ".new" // of a file that is being written
)

// ErrVersion says that the folder was written by another version of the kit.
var ErrVersion = errors.New("the data are of another version")

// ErrForeign says that the folder holds something else than a local run's data.
var ErrForeign = errors.New("the folder is not a data folder")

// ErrNoKeys says that the folder has documents, and that the keys they were written under are gone: new ones would not open them.
var ErrNoKeys = errors.New("the keys of the data are gone")

// Keys are the secrets of a local run, 32 random bytes each, in base64.
type Keys struct {
	// Sealing protects the signing keys at rest: IDENTITY_SEALING_KEY.
	Sealing string `json:"sealing"`
	// Refresh authenticates refresh tokens: IDENTITY_REFRESH_KEY.
	Refresh string `json:"refresh"`
	// Erasure names the records of erased players, for ever: IDENTITY_ERASURE_KEY.
	Erasure string `json:"erasure"`
	// Ties decides between equal scores: LEADERBOARD_TIE_KEY.
	Ties string `json:"ties"`
	// ProfileErasure names players in what outlives them at profile: PROFILE_ERASURE_KEY.
	ProfileErasure string `json:"profileErasure"`
	// PageToken authenticates page tokens.
	PageToken string `json:"pageToken"`
	// Clients are the keys that programs sign in with, by client id.
	Clients map[string]string `json:"clients"`
}

// Dir is an opened data folder. Its zero value is none: everything in memory.
type Dir struct {
	path string
	keys Keys
}

// Open makes the folder when it is missing, and reads or makes its keys, with one for each of the clients. An empty path keeps
// everything in memory. Errors: [ErrVersion], [ErrForeign], [ErrNoKeys], or what the file system says.
func Open(path string, clients ...string) (*Dir, error) {
	d := &Dir{path: path}
	if path == "" {
		d.complete(clients)
		return d, nil
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	if err := checkVersion(path); err != nil {
		return nil, err
	}
	if err := d.readKeys(); err != nil {
		return nil, err
	}
	if d.complete(clients) {
		if err := d.writeKeys(); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// Read opens a folder that a run has made, without changing it.
func Read(path string) (*Dir, error) {
	d := &Dir{path: path}
	stamp, err := os.ReadFile(filepath.Join(path, versionFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no data in %s; start `make run` first, or name its folder with -data", path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the data folder: %w", err)
	}
	if strings.TrimSpace(string(stamp)) != Version {
		return nil, ErrVersion
	}
	return d, d.readKeys()
}

// Reset deletes a data folder of any version. It refuses with [ErrForeign] to delete a folder that no run has made, and with
// [emulator.ErrDataInUse] one that a run is using.
func Reset(path string) error {
	if path == "" {
		return nil
	}
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the data folder: %w", err)
	}
	if isNew(entries) {
		return nil
	}
	if stamp, err := os.ReadFile(filepath.Join(path, versionFile)); err != nil || !bytes.HasPrefix(stamp, []byte("supergame-data ")) {
		return fmt.Errorf("%w: %s", ErrForeign, path)
	}
	if err := emulator.Remove(filepath.Join(path, cosmosFolder)); err != nil {
		return err
	}
	return os.RemoveAll(path)
}

// isNew reports whether a folder holds nothing yet, or only what a first start left that was killed before it had stamped it.
func isNew(entries []fs.DirEntry) bool {
	return !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() != versionFile+newSuffix })
}

// Keys are the secrets.
func (d *Dir) Keys() Keys { return d.keys }

// Path is the folder; empty for memory.
func (d *Dir) Path() string { return d.path }

// Cosmos is where the emulator keeps its data; empty for memory.
func (d *Dir) Cosmos() string {
	if d.path == "" {
		return ""
	}
	return filepath.Join(d.path, cosmosFolder)
}

// checkVersion accepts an empty folder, which it stamps, and one with this version's stamp.
func checkVersion(path string) error {
	file := filepath.Join(path, versionFile)
	stamp, err := os.ReadFile(file)
	switch {
	case err == nil && strings.TrimSpace(string(stamp)) == Version:
		return nil
	case err == nil:
		return fmt.Errorf("%w: %s holds %q, this is %q", ErrVersion, path, strings.TrimSpace(string(stamp)), Version)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("read the data folder: %w", err)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("read the data folder: %w", err)
	}
	if !isNew(entries) {
		return fmt.Errorf("%w: %s", ErrForeign, path)
	}
	return writeFile(file, []byte(Version+"\n"))
}

func (d *Dir) readKeys() error {
	data, err := os.ReadFile(filepath.Join(d.path, "keys.json"))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(d.Cosmos()); err == nil {
			return fmt.Errorf("%w: %s has no keys.json", ErrNoKeys, d.path)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the keys: %w", err)
	}
	if err := json.Unmarshal(data, &d.keys); err != nil {
		return fmt.Errorf("read %s: %w", filepath.Join(d.path, "keys.json"), err)
	}
	return nil
}

// complete makes the keys that are missing and says whether there were any.
func (d *Dir) complete(clients []string) bool {
	made := false
	ensure := func(key *string) {
		if *key == "" {
			*key, made = randomKey(), true
		}
	}
	ensure(&d.keys.Sealing)
	ensure(&d.keys.Refresh)
	ensure(&d.keys.Erasure)
	ensure(&d.keys.Ties)
	ensure(&d.keys.ProfileErasure)
	ensure(&d.keys.PageToken)
	if d.keys.Clients == nil {
		d.keys.Clients = make(map[string]string, len(clients))
	}
	for _, client := range clients {
		key := d.keys.Clients[client]
		ensure(&key)
		d.keys.Clients[client] = key
	}
	return made
}

func (d *Dir) writeKeys() error {
	data, err := json.MarshalIndent(d.keys, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(d.path, "keys.json"), append(data, '\n'))
}

// writeFile replaces a file in one step, so that a kill leaves the old one or the new one.
func writeFile(path string, data []byte) error {
	if err := os.WriteFile(path+newSuffix, data, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return os.Rename(path+newSuffix, path)
}

func randomKey() string {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails: see crypto/rand
	return base64.StdEncoding.EncodeToString(key)
}
