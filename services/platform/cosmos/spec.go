package cosmos

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

// ContainerSpec is what a container should be: one element of a service's containers.json. Its JSON is the `resource` of
// Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers, so the same file serves infra/.
//
//	[{"id": "players",
//	  "partitionKey": {"paths": ["/playerId"], "kind": "Hash", "version": 2},
//	  "indexingPolicy": {"automatic": true, "indexingMode": "consistent",
//	    "includedPaths": [{"path": "/state/?"}], "excludedPaths": [{"path": "/*"}]},
//	  "defaultTtl": -1}]
type ContainerSpec struct {
	ID              string           `json:"id"`
	PartitionKey    PartitionKeySpec `json:"partitionKey"`
	IndexingPolicy  IndexingSpec     `json:"indexingPolicy"`
	DefaultTTL      *int32           `json:"defaultTtl,omitempty"` // seconds; -1 = only documents with a ttl expire; absent = none does
	UniqueKeyPolicy *UniqueKeySpec   `json:"uniqueKeyPolicy,omitempty"`
}

// PartitionKeySpec is the partition key: one path, or up to three of a hierarchical one. It can never be changed.
type PartitionKeySpec struct {
	Paths   []string `json:"paths"`
	Kind    string   `json:"kind"`    // Hash, or MultiHash with several paths
	Version int      `json:"version"` // 2
}

// IndexingSpec says which paths are indexed. Write costs grow with every one.
type IndexingSpec struct {
	Automatic        bool              `json:"automatic"`
	IndexingMode     string            `json:"indexingMode"` // consistent or none
	IncludedPaths    []PathSpec        `json:"includedPaths,omitempty"`
	ExcludedPaths    []PathSpec        `json:"excludedPaths,omitempty"`
	CompositeIndexes [][]CompositeSpec `json:"compositeIndexes,omitempty"`
}

// PathSpec is one path of an index.
type PathSpec struct {
	Path string `json:"path"`
}

// CompositeSpec is one path of a composite index, which an ORDER BY on several properties needs.
type CompositeSpec struct {
	Path  string `json:"path"`
	Order string `json:"order"` // ascending or descending
}

// UniqueKeySpec lists what must be unique within a partition.
type UniqueKeySpec struct {
	UniqueKeys []UniqueKeyPaths `json:"uniqueKeys"`
}

// UniqueKeyPaths are the paths of one unique key.
type UniqueKeyPaths struct {
	Paths []string `json:"paths"`
}

// ParseSpecs reads a containers.json. Properties it does not know are errors, so that a misspelled one is not ignored.
func ParseSpecs(text []byte) ([]ContainerSpec, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var specs []ContainerSpec
	if err := decoder.Decode(&specs); err != nil {
		return nil, fmt.Errorf("containers.json: %w", err)
	}
	seen := map[string]bool{}
	for _, spec := range specs {
		if err := spec.check(); err != nil {
			return nil, fmt.Errorf("containers.json: container %q: %w", spec.ID, err)
		}
		if seen[spec.ID] {
			return nil, fmt.Errorf("containers.json: container %q stands there twice", spec.ID)
		}
		seen[spec.ID] = true
	}
	return specs, nil
}

func (s ContainerSpec) check() error {
	kinds := map[string]bool{"Hash": len(s.PartitionKey.Paths) == 1, "MultiHash": len(s.PartitionKey.Paths) > 1 && len(s.PartitionKey.Paths) <= 3}
	switch {
	case s.ID == "":
		return fmt.Errorf("it has no id")
	case !kinds[s.PartitionKey.Kind]:
		return fmt.Errorf("partitionKey kind %q does not go with %d paths", s.PartitionKey.Kind, len(s.PartitionKey.Paths))
	case s.PartitionKey.Version != 2:
		return fmt.Errorf("partitionKey version is %d, not 2", s.PartitionKey.Version)
	case s.IndexingPolicy.IndexingMode != "consistent" && s.IndexingPolicy.IndexingMode != "none":
		return fmt.Errorf("indexingPolicy indexingMode %q is not consistent or none", s.IndexingPolicy.IndexingMode)
	case s.DefaultTTL != nil && (*s.DefaultTTL == 0 || *s.DefaultTTL < -1):
		return fmt.Errorf("defaultTtl %d is neither -1 nor a number of seconds", *s.DefaultTTL)
	}
	return nil
}

// properties is the spec in the SDK's form. The shapes are the same on the wire.
func (s ContainerSpec) properties() (azcosmos.ContainerProperties, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return azcosmos.ContainerProperties{}, err
	}
	var properties azcosmos.ContainerProperties
	err = json.Unmarshal(text, &properties)
	return properties, err
}

// specOf is the other way: what a container that exists is.
func specOf(properties azcosmos.ContainerProperties) (ContainerSpec, error) {
	text, err := json.Marshal(properties)
	if err != nil {
		return ContainerSpec{}, err
	}
	var spec ContainerSpec
	err = json.Unmarshal(text, &spec)
	return spec, err
}
