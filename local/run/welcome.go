package main

// welcome says what runs where, and what to try. Its values: gRPC address, admin address, URL and kind of the store, seconds
// to ready, flags of ctl for gRPC, gRPC address, flags of ctl for the data.
const welcome = `
  Super Game runs on this machine. Ctrl-C stops it.

    gRPC        %[1]s   identity, profile, leaderboard (reflection is on)
    HTTP        http://%[2]s   /readyz /metrics /.well-known/jwks.json
    Cosmos DB   %[3]s   %[4]s

  Ready in %.2[5]f s. Try in another terminal:

    make bin/grpcurl
    TOKEN=$(go run ./local/ctl token -role player%[6]s)
    bin/grpcurl -plaintext -H "authorization: Bearer $TOKEN" %[7]s supergame.profile.v1.ProfileService/GetProfile
    bin/grpcurl -plaintext -H "authorization: Bearer $TOKEN" -d '{"profile":{"display_name":"Ada"},"update_mask":{"paths":["display_name"]}}' %[7]s supergame.profile.v1.ProfileService/UpdateProfile
    bin/grpcurl -plaintext -H "authorization: Bearer $TOKEN" -d '{"request_id":"r1","scores":[{"board_id":"daily","columns":[100]}]}' %[7]s supergame.leaderboard.v1.LeaderboardService/SubmitScore
    bin/grpcurl -plaintext -H "authorization: Bearer $TOKEN" -d '{"board_id":"daily","with_profiles":true}' %[7]s supergame.leaderboard.v1.LeaderboardService/ListEntries
    go run ./local/ctl query%[8]s "SELECT * FROM c"

`

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
