# For a CPU. In the folder with your pictures:
#   docker build -t translate CLONE
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/work" translate train toy-horse2zebra
FROM python:3.12-slim
RUN pip install --no-cache-dir uv
COPY pyproject.toml README.md LICENSE /src/
COPY translate /src/translate
COPY datasets/*.toml datasets/*.png /src/datasets/
COPY weights /src/weights
RUN uv pip install --system --no-cache --torch-backend cpu "/src[features,heic,video]" && rm -r /src
WORKDIR /work
ENV TRANSLATE_HOME=/tmp/translate
ENTRYPOINT ["translate"]
CMD ["help"]
