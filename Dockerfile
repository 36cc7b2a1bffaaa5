# The image of Moongate; moongate(8), RUNNING IN A CONTAINER.
#
#     docker build -t moongate .
#     docker run -p 80:80 -v /path/to/site:/var/www/html:ro moongate

FROM debian:bookworm-slim AS build
WORKDIR /source
COPY tools/deps tools/deps
RUN apt-get update && tools/deps build
COPY . .
RUN make install PREFIX=/usr DESTDIR=/installed \
    && strip /installed/usr/bin/moongate

FROM debian:bookworm-slim
COPY tools/deps /tmp/deps
RUN apt-get update && /tmp/deps run \
    && rm -rf /tmp/deps /var/lib/apt/lists/* /var/cache/apt/*.bin
RUN useradd --system --home-dir /nonexistent --shell /usr/sbin/nologin moongate \
    && install -d -o moongate -g moongate /run/moongate \
    && install -d /var/lib/moongate /var/www/html
COPY --from=build /installed/usr/bin/moongate /usr/bin/moongate
COPY --from=build /installed/usr/share/moongate /usr/share/moongate
COPY conf/container.ini /etc/moongate/moongate.ini
USER moongate
EXPOSE 80 3306 8888
STOPSIGNAL SIGQUIT
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD \
    ["moongate", "ctl", "-s", "/run/moongate/moongate.sock", "show", "info"]
ENTRYPOINT ["moongate"]
CMD ["-c", "/etc/moongate/moongate.ini"]
