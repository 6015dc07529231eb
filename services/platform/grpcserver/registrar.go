package grpcserver

import (
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// registrar notes what a service registers, before it passes it on.
type registrar struct {
	server  *grpc.Server
	methods map[string]*method
	names   []string
	err     error
}

// RegisterService reads the rules of every method from the service's proto.
func (r *registrar) RegisterService(desc *grpc.ServiceDesc, impl any) {
	r.names = append(r.names, desc.ServiceName)
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(desc.ServiceName))
	service, ok := found.(protoreflect.ServiceDescriptor)
	if err != nil || !ok {
		r.err = fmt.Errorf("the proto of %s is not linked in", desc.ServiceName)
		return
	}
	for i := range service.Methods().Len() {
		m := newMethod(service.Methods().Get(i))
		r.methods[m.full] = m
	}
	guarded := *desc
	guarded.Methods = make([]grpc.MethodDesc, len(desc.Methods))
	for i, m := range desc.Methods {
		guarded.Methods[i] = guardDecoding("/"+desc.ServiceName+"/"+m.MethodName, m)
	}
	r.server.RegisterService(&guarded, impl)
}

// GetServiceInfo is what reflection asks.
func (r *registrar) GetServiceInfo() map[string]grpc.ServiceInfo { return r.server.GetServiceInfo() }
