// A client of the Shim service, made by @grpc/proto-loader from the proto: reads calls from standard input, a JSON object a line
// ({n, method, request}), and writes what they answer ({n, ok} or {n, code, details}); of a stream each message and its end.
// usage: node shim-service.js MODULES PROTOS SOCKET
const [modules, protos, socket] = process.argv.slice(2);
const grpc = require(`${modules}/@grpc/grpc-js`);
const loader = require(`${modules}/@grpc/proto-loader`);
const definition = loader.loadSync('containerd/v1/shim.proto',
  { includeDirs: [protos], keepCase: true, longs: Number, enums: String, defaults: true });
const { Shim } = grpc.loadPackageDefinition(definition).containerd.v1.services.shim;
const client = new Shim(`unix:${socket}`, grpc.credentials.createInsecure());
const say = answer => process.stdout.write(JSON.stringify(answer) + '\n');
const failed = (n, e) => say({ n, code: e.code, details: e.details });

require('readline').createInterface({ input: process.stdin }).on('line', line => {
  const { n, method, request } = JSON.parse(line);
  if (request.spec) request.spec.value = Buffer.from(JSON.stringify(request.spec.value));
  if (method !== 'Events') {
    client[method](request, { deadline: Date.now() + 60000 }, (e, ok) => e ? failed(n, e) : say({ n, ok }));
    return;
  }
  const events = client.Events(request);
  events.on('metadata', () => say({ n, ok: {} }));
  events.on('data', event => say({ n, event }));
  events.on('error', e => failed(n, e));
}).on('close', () => process.exit(0));
