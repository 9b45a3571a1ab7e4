# The worker's image: dependencies first, since they change seldom; then the product, in an environment
# of its own, and nothing of the build in what runs.
FROM python:3.13-slim AS build
WORKDIR /app
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /app/.venv
COPY requirements.lock ./
RUN /app/.venv/bin/python -m pip install --quiet --require-hashes --no-deps -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY monitor ./monitor
COPY migrations ./migrations
COPY config ./config
COPY docs/queries ./docs/queries
RUN /app/.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation .

FROM python:3.13-slim
LABEL org.opencontainers.image.title="telegram-channel-monitor" org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --uid 10001 --create-home monitor && install -d -m 700 -o monitor /data
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER monitor
WORKDIR /home/monitor
ENTRYPOINT ["monitor"]
CMD ["up"]
