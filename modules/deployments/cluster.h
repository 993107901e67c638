/* The program that makes N processes of one Node.js file share its port: Node's own cluster, driven as `node -e PROGRAM N FILE ARGS...`.
 *
 * Each process gets NODE_APP_INSTANCE (0 to N-1). One that ends is started again; when they end at once again and again, the whole
 * ends with the code of the last, and the host's restart policy decides. */
#ifndef DEPLOYMENTS_CLUSTER_H
#define DEPLOYMENTS_CLUSTER_H

#define CLUSTER_PROGRAM                                                                                                                              \
  "const cluster = require('node:cluster');"                                                                                                         \
  "const [, count, file, ...args] = process.argv;"                                                                                                   \
  "cluster.setupPrimary({ exec: require('node:path').resolve(file), args, execArgv: [] });"                                                          \
  "let isStopping = false, quickEnds = 0;"                                                                                                           \
  "function start(instance) {"                                                                                                                       \
  "  const since = Date.now();"                                                                                                                      \
  "  cluster.fork({ NODE_APP_INSTANCE: String(instance) }).once('exit', (code) => {"                                                                 \
  "    if (isStopping) { if (Object.keys(cluster.workers).length === 0) process.exit(0); return; }"                                                  \
  "    quickEnds = Date.now() - since < 1000 ? quickEnds + 1 : 0;"                                                                                   \
  "    if (quickEnds >= 3 * count) process.exit(code || 1);"                                                                                         \
  "    setTimeout(() => start(instance), 100);"                                                                                                      \
  "  });"                                                                                                                                            \
  "}"                                                                                                                                                \
  "for (const name of ['SIGTERM', 'SIGINT']) process.on(name, () => {"                                                                               \
  "  isStopping = true;"                                                                                                                             \
  "  if (Object.keys(cluster.workers).length === 0) process.exit(0);"                                                                                \
  "  for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGTERM');"                                                           \
  "});"                                                                                                                                              \
  "for (let i = 0; i < Number(count); i++) start(i);"

#endif
