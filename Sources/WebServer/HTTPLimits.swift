/// What a client may ask of the server's memory and patience; no client can have more.
package struct HTTPLimits: Sendable {
  /// Bytes of a request's first line.
  package var requestLineBytes = 8192
  /// Bytes of all header fields of a request, and of each.
  package var headerBytes = 16384
  /// Header fields of a request.
  package var headerCount = 100
  /// Connections at a time. One more has the oldest idle one closed.
  package var connections = 256
  /// From the first byte of a request to the end of its head.
  package var headTime = Duration.seconds(10)
  /// How long a connection may stay without a request.
  package var idleTime = Duration.seconds(60)
  /// How long a client may take nothing of an answer.
  package var stallTime = Duration.seconds(30)
  /// How long a client may take over an answer.
  package var answerTime = Duration.seconds(600)
  /// How long what a refused client goes on sending is read and dropped, so that it sees why.
  package var lingerTime = Duration.seconds(2)

  package init() {}
}
