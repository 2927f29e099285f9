"""A backend that says who it thinks is asking, by the headers that Envoy lets through."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Backend(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        names = sorted(name for name in self.headers if "auth" in name.lower())
        lines = [f"{name}: {value}\n" for name in names for value in self.headers.get_all(name)]
        body = "".join([f"{self.path}\n", *(lines or ["nobody\n"])]).encode()
        self.send_response(200)
        self.send_header("content-type", "text/plain")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Backend).serve_forever()
