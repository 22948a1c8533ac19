# An image from the offline kit: wangge kit -o kit && docker build -t wangge .
FROM debian:bookworm-slim

RUN apt-get update \
 && apt-get install --yes --no-install-recommends python3 postgresql-client \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --home-dir /var/lib/wangge --create-home wangge

COPY kit /kit
RUN sh /kit/install.sh /opt/wangge && rm -rf /kit

USER wangge
WORKDIR /var/lib/wangge
ENV WANGGE_HOST=0.0.0.0 WANGGE_PORT=8000 WANGGE_PAGES=/var/lib/wangge
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --start-period=30s CMD ["/opt/wangge/bin/python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health', timeout=5)"]
ENTRYPOINT ["/opt/wangge/bin/wangge"]
CMD ["serve"]
