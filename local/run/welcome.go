package main

import "fmt"

// welcome says what runs where, and what to try. Its values: gRPC address, admin address, URL and kind of the store, seconds
// to ready, flags of ctl for gRPC, gRPC address, the lines for those who have a data folder.
const welcome = `
  Super Game runs on this machine. Ctrl-C stops it.

    gRPC        %[1]s   identity, profile (reflection is on)
    HTTP        http://%[2]s   /readyz /metrics /.well-known/jwks.json
    Cosmos DB   %[3]s   %[4]s

  Ready in %.2[5]f s. Try in another terminal:

    make bin/grpcurl
    TOKEN=$(go run ./local/ctl token -role player%[6]s)
    bin/grpcurl -plaintext -H "authorization: Bearer $TOKEN" %[7]s supergame.profile.v1.ProfileService/GetProfile
    bin/grpcurl -plaintext -H "authorization: Bearer $TOKEN" -d '{"profile":{"display_name":"Ada"},"update_mask":{"paths":["display_name"]}}' %[7]s supergame.profile.v1.ProfileService/UpdateProfile
    bin/grpcurl -plaintext -H "authorization: Bearer $TOKEN" -d '{"handle":"ada"}' %[7]s supergame.profile.v1.ProfileService/ClaimHandle
    bin/grpcurl -plaintext -H "authorization: Bearer $TOKEN" -d '{"slot":"auto","content":"aGVsbG8=","request_id":"s1"}' %[7]s supergame.profile.v1.SaveDataService/PutSave
%[8]s
`

// withData are the commands that need the keys of the data folder: who operates the game, and what is stored. Without one the keys are in memory only.
const withData = `    OPS=$(go run ./local/ctl token -role operator%[1]s%[2]s)
    bin/grpcurl -plaintext -H "authorization: Bearer $OPS" %[3]s supergame.profile.v1.ProfileService/ListPlayers
    go run ./local/ctl query%[2]s "SELECT * FROM c"
`

// dataLines are the commands for a world with a data folder; "" = it has none.
func dataLines(addr, data string) string {
	if data == "" {
		return ""
	}
	return fmt.Sprintf(withData, addressFlag(addr), dataFlag(data), addr)
}

// addressFlag is what ctl needs when gRPC is not where it looks by default.
func addressFlag(addr string) string {
	if addr == "127.0.0.1:50051" {
		return ""
	}
	return " -grpc " + addr
}

// dataFlag is what ctl needs when the data are not where it looks by default.
func dataFlag(data string) string {
	if data == ".data" {
		return ""
	}
	return " -data " + data
}
