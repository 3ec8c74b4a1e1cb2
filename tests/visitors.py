"""Visitors of the services' pages."""

import re

PASSWORD = "kata-sandi-panjang"


class Visitor:
    """A browser without scripts."""

    def __init__(self, services) -> None:
        self.client = services.client
        self.client.cookies.clear()
        self.token = self.see("/masuk")

    def see(self, path) -> str:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        assert 'lang="id"' in answer.text
        assert "viewport" in answer.text
        found = re.search(r'name="token" value="(\w+)"', answer.text)
        self.token = found[1] if found else self.token if hasattr(self, "token") else ""
        self.text = answer.text
        return self.token

    def send(self, path, **more):
        data = {"token": self.token, **more.pop("data", {})}
        return self.client.post(path, data=data, follow_redirects=False, **more)

    def log_in(self, name) -> None:
        assert self.send("/masuk", data={"name": name, "password": PASSWORD}).status_code == 303
        self.see("/")
