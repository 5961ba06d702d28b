# The image of every process: web by default, `worker`, `db upgrade` and any other command by its arguments.
# docker build -t interlock:0.1.0 .        docs/deploy.md has how a project comes into it.

# The Python that the tests run on. Pin the digest of your registry: --build-arg PYTHON_IMAGE=python@sha256:...
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm

# --- build: a virtual environment with pip in it; projects add their packages to this stage ---------------
FROM ${PYTHON_IMAGE} AS build
ENV PATH=/opt/interlock/bin:$PATH \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/interlock
COPY requirements-image.lock ./
# A mirror with a password is given as a secret, which stays in no layer: --secret id=pip_conf,src=pip.conf
RUN --mount=type=secret,id=pip_conf,target=/etc/pip.conf \
    pip install --require-hashes -r requirements-image.lock
COPY pyproject.toml README.md LICENSE ./
COPY core core
COPY dashboard dashboard
RUN pip install --no-deps --no-build-isolation --no-index .

# --- installed: the same without what installs and builds, and compiled: nothing is written at run time ----
FROM build AS installed
RUN pip uninstall --yes setuptools pip \
    && (python -m compileall -q -j 0 /opt/interlock/lib || true)

# --- the image ------------------------------------------------------------------------------------------
FROM ${PYTHON_IMAGE} AS interlock
RUN python -m pip uninstall --yes --root-user-action=ignore pip \
    && groupadd --gid 10001 interlock \
    && useradd --uid 10001 --gid 10001 --home-dir /var/lib/interlock --create-home --shell /usr/sbin/nologin interlock \
    && chmod 0700 /var/lib/interlock
COPY --from=installed /opt/interlock /opt/interlock
ENV PATH=/opt/interlock/bin:$PATH \
    HOME=/var/lib/interlock \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    INTERLOCK_DATA_DIR=/var/lib/interlock \
    INTERLOCK_HOST=0.0.0.0 \
    INTERLOCK_PORT=8501 \
    INTERLOCK_LOG_FORMAT=json
WORKDIR /var/lib/interlock
USER 10001:10001
EXPOSE 8501 8502
STOPSIGNAL SIGTERM
# Of the web process; a worker's is asked on INTERLOCK_WORKER_PORT (compose.yaml).
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8501/healthz', timeout=4)"]
ENTRYPOINT ["interlock"]
CMD ["web"]
