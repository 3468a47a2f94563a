/* An echo peer on usrsctp, the stack of Firefox and older Chromium, for usrsctp.peer.test.ts.
 * Speaks SCTP in plain UDP datagrams: usrsctp-echo <own port> <peer port> <listen|connect> <interleave 0|1>
 * Echoes every message on its stream with its PPID, answers the reset of a stream with its own, prints what happens. */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <usrsctp.h>

#ifndef SCTP_INTERLEAVING_SUPPORTED
#define SCTP_INTERLEAVING_SUPPORTED 0x00001206
#endif

static int fd;
static struct socket *connection;
static char buffer[1 << 20];

static int output(void *address, void *data, size_t length, uint8_t tos, uint8_t set_df) {
  (void)address, (void)tos, (void)set_df;
  send(fd, data, length, 0);
  return 0;
}

static void *input(void *unused) {
  char packet[65536];
  (void)unused;
  for (;;) {
    ssize_t length = recv(fd, packet, sizeof packet, 0);
    if (length > 0) usrsctp_conninput(&fd, packet, (size_t)length, 0);
  }
  return NULL;
}

static void set(struct socket *s, int option, uint32_t value) {
  struct sctp_assoc_value assoc = {.assoc_id = SCTP_ALL_ASSOC, .assoc_value = value};
  if (usrsctp_setsockopt(s, IPPROTO_SCTP, option, &assoc, sizeof assoc) < 0) perror("setsockopt");
}

static void notification(union sctp_notification *note) {
  if (note->sn_header.sn_type == SCTP_ASSOC_CHANGE) {
    printf("assoc %d\n", note->sn_assoc_change.sac_state);
  } else if (note->sn_header.sn_type == SCTP_STREAM_RESET_EVENT) {
    struct sctp_stream_reset_event *event = &note->sn_strreset_event;
    size_t count = (event->strreset_length - sizeof *event) / sizeof(uint16_t);
    printf("reset %x %zu %d\n", event->strreset_flags, count, count ? event->strreset_stream_list[0] : -1);
    if (event->strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN) {
      size_t size = sizeof(struct sctp_reset_streams) + count * sizeof(uint16_t);
      struct sctp_reset_streams *reset = calloc(1, size);
      reset->srs_flags = SCTP_STREAM_RESET_OUTGOING;
      reset->srs_number_streams = (uint16_t)count;
      memcpy(reset->srs_stream_list, event->strreset_stream_list, count * sizeof(uint16_t));
      if (usrsctp_setsockopt(connection, IPPROTO_SCTP, SCTP_RESET_STREAMS, reset, (socklen_t)size) < 0) perror("reset");
      free(reset);
    }
  }
  fflush(stdout);
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
  struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
  own.sin_addr.s_addr = peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  fd = socket(AF_INET, SOCK_DGRAM, 0);
  int large = 4 << 20;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &large, sizeof large);
  if (bind(fd, (struct sockaddr *)&own, sizeof own) || connect(fd, (struct sockaddr *)&peer, sizeof peer)) return 3;

  usrsctp_init(0, output, NULL);
  usrsctp_sysctl_set_sctp_ecn_enable(0);
  usrsctp_register_address(&fd);
  pthread_t thread;
  pthread_create(&thread, NULL, input, NULL);

  struct socket *s = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
  struct sctp_initmsg init = {.sinit_num_ostreams = 1024, .sinit_max_instreams = 1024};
  usrsctp_setsockopt(s, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof init);
  set(s, SCTP_ENABLE_STREAM_RESET, SCTP_ENABLE_RESET_STREAM_REQ | SCTP_ENABLE_CHANGE_ASSOC_REQ);
  if (atoi(argv[4])) {
    int level = 2;
    usrsctp_setsockopt(s, IPPROTO_SCTP, SCTP_FRAGMENT_INTERLEAVE, &level, sizeof level);
    set(s, SCTP_INTERLEAVING_SUPPORTED, 1);
  }
  int on = 1;
  usrsctp_setsockopt(s, IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof on);
  usrsctp_setsockopt(s, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof on);
  uint16_t types[] = {SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT};
  for (size_t i = 0; i < 2; i++) {
    struct sctp_event event = {.se_assoc_id = SCTP_ALL_ASSOC, .se_type = types[i], .se_on = 1};
    usrsctp_setsockopt(s, IPPROTO_SCTP, SCTP_EVENT, &event, sizeof event);
  }
  struct sockaddr_conn address = {.sconn_family = AF_CONN, .sconn_port = htons(5000), .sconn_addr = &fd};
  if (usrsctp_bind(s, (struct sockaddr *)&address, sizeof address)) return 4;
  int connects = strcmp(argv[3], "connect") == 0;
  if (!connects) usrsctp_listen(s, 1);
  printf("ready\n");
  fflush(stdout);
  if (connects) {
    if (usrsctp_connect(s, (struct sockaddr *)&address, sizeof address)) return 5;
    connection = s;
  } else {
    connection = usrsctp_accept(s, NULL, NULL);
  }

  size_t have = 0;
  for (;;) {
    struct sctp_rcvinfo info;
    socklen_t from = 0, size = sizeof info;
    unsigned type = 0;
    int flags = 0;
    ssize_t length = usrsctp_recvv(connection, buffer + have, sizeof buffer - have, NULL, &from, &info, &size, &type, &flags);
    if (length <= 0) break;
    if (flags & MSG_NOTIFICATION) {
      notification((union sctp_notification *)(buffer + have));
      continue;
    }
    have += (size_t)length;
    if (!(flags & MSG_EOR)) continue;
    struct sctp_sndinfo out = {.snd_sid = info.rcv_sid, .snd_ppid = info.rcv_ppid, .snd_flags = info.rcv_flags & SCTP_UNORDERED};
    if (usrsctp_sendv(connection, buffer, have, NULL, 0, &out, sizeof out, SCTP_SENDV_SNDINFO, 0) < 0) perror("send");
    have = 0;
  }
  printf("closed\n");
  return 0;
}
