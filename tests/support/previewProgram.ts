/** A web server in Python for tests of previews, to be started with its port. What it saw is told by /seen. */
export const PREVIEW_PROGRAM = `
import base64, hashlib, json, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
seen = {'broken': 0, 'requests': 0}
go = threading.Event()
BLOCK = bytes(range(256)) * 256
class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def log_message(self, *rest): pass
    def say(self, body, status=200, headers=()):
        self.send_response(status)
        for name, value in headers: self.send_header(name, value)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD': self.wfile.write(body)
    def body(self):
        if self.headers.get('Transfer-Encoding', '').lower() == 'chunked':
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size); self.rfile.readline()
            self.rfile.readline()
        else:
            left = int(self.headers.get('Content-Length', 0))
            while left:
                piece = self.rfile.read(min(left, 65536)); left -= len(piece); yield piece
    def do_POST(self):
        digest = hashlib.sha256()
        for piece in self.body(): digest.update(piece)
        if self.path == '/go': go.set()
        self.say(digest.hexdigest().encode())
    def do_HEAD(self): self.do_GET()
    def do_GET(self):
        seen['requests'] += 1
        if self.headers.get('Upgrade') == 'websocket': return self.upgrade()
        if self.path == '/bytes':
            self.send_response(200); self.send_header('Content-Length', str(320 * 65536)); self.end_headers()
            if self.command == 'GET':
                for _ in range(320): self.wfile.write(BLOCK)
        elif self.path == '/endless':
            self.send_response(200); self.send_header('Connection', 'close'); self.end_headers()
            try:
                while True: self.wfile.write(BLOCK)
            except OSError: seen['broken'] += 1
        elif self.path == '/events':
            go.clear()
            self.send_response(200); self.send_header('Content-Type', 'text/event-stream')
            self.send_header('Transfer-Encoding', 'chunked'); self.end_headers()
            for word in ('first', 'second'):
                piece = ('data: %s\\n\\n' % word).encode()
                self.wfile.write(b'%x\\r\\n%s\\r\\n' % (len(piece), piece)); self.wfile.flush()
                if word == 'first': go.wait(20)
            self.wfile.write(b'0\\r\\n\\r\\n')
        elif self.path == '/same':
            if self.headers.get('If-None-Match') == '"1"': self.send_response(304); self.send_header('ETag', '"1"'); self.end_headers()
            else: self.say(b'same', headers=[('ETag', '"1"')])
        elif self.path == '/headers': self.say(json.dumps(self.headers.items()).encode())
        elif self.path == '/sets':
            self.say(b'', headers=[('Set-Cookie', 'a=1; Path=/'), ('Set-Cookie', 'b=2; Domain=localhost; HttpOnly'),
                ('Set-Cookie', 'c=3; domain=example.org'), ('Set-Cookie', 'berth=stolen'), ('Set-Cookie', '=berth-preview=x'),
                ('Clear-Site-Data', '"cookies"'), ('Alt-Svc', 'h3=":1"'), ('X-Own', 'stays'), ('Service-Worker-Allowed', '/')])
        elif self.path == '/moved':
            self.say(b'', 302, [('Location', 'http://localhost:%s/there' % sys.argv[1])])
        elif self.path == '/torn':
            self.send_response(200); self.send_header('Content-Length', '100'); self.end_headers()
            self.wfile.write(b'half'); self.close_connection = True
        elif self.path == '/silent': go.clear(); go.wait(20)
        elif self.path == '/late':
            self.send_response(200); self.send_header('Content-Length', '4'); self.end_headers()
            self.wfile.write(b'la'); self.wfile.flush(); time.sleep(3.6); self.wfile.write(b'te')
        elif self.path == '/seen': self.say(json.dumps(seen).encode())
        else: self.say(b'hello from ' + self.path.encode())
    def upgrade(self):
        if self.path == '/no': return self.say(b'not here', 403)
        key = self.headers['Sec-WebSocket-Key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
        self.wfile.write(('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n'
            'Sec-WebSocket-Accept: %s\\r\\nSet-Cookie: berth=stolen\\r\\n\\r\\n' % accept).encode())
        self.close_connection = True
        while piece := self.connection.recv(65536): self.wfile.write(piece)
class Server(ThreadingHTTPServer):
    request_queue_size = 64
    daemon_threads = True
Server(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
`;
