// Package rpc is the wire side of the service: it decodes requests, calls the nouns and encodes their answers.
package rpc
