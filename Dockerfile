# The service: `coppice serve` with everything inside, or `coppice web` and `coppice worker` apart.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/coppice
# First what seldom changes, so that a change of the code alone builds in seconds.
COPY requirements.txt ./
RUN /opt/coppice/bin/pip install --no-cache-dir --disable-pip-version-check -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY pgwire ./pgwire
COPY app ./app
RUN /opt/coppice/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps .

FROM python:3.11-slim-bookworm
# An ordinary user: PostgreSQL refuses to run as root, and nothing here needs to be root.
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin coppice \
    && install --directory --owner=coppice --group=coppice --mode=0700 /data
COPY --from=build /opt/coppice /opt/coppice
ENV PATH=/opt/coppice/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    COPPICE_BIND=0.0.0.0:8000 \
    COPPICE_DATA_DIR=/data
USER coppice
WORKDIR /data
VOLUME /data
EXPOSE 8000
# Start with `--init` (Compose: `init: true`): a server that was killed needs a parent to reap it.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --start-interval=1s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["coppice"]
CMD ["serve"]
