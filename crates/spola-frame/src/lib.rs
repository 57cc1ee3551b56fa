//! RFC 6455 framing: headers, masking, UTF-8, opcodes and close codes.
