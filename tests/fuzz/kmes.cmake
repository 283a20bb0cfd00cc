eventd_fuzzer(kmes_msgpack kmes_msgpack.cpp msgpack_mutator.cpp
              LINKS eventd_kmes ${EVENTD_MSGPACK_LIBRARY})
eventd_fuzzer(kmes_utf8 kmes_utf8.cpp LINKS eventd_kmes)
eventd_fuzzer(kmes_event_header kmes_event_header.cpp LINKS eventd_kmes)
eventd_fuzzer(kmes_socket_frame kmes_socket_frame.cpp frame_mutator.cpp msgpack_mutator.cpp
              LINKS eventd_kmes)
eventd_fuzzer(kmes_socket_server kmes_socket_server.cpp frame_mutator.cpp msgpack_mutator.cpp
              LINKS eventd_kmes)
