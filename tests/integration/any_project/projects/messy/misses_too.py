from requests_nobody_has import get
