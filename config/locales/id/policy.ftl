# Kebijakan berbagi data dalam kalimat. Istilah masih perlu ditinjau penutur asli.
policy-headline = { $recipient } menerima { $message } dari { $sender }, untuk tujuan { $purpose }, berdasarkan { $agreement }, sampai { $expires }.
policy-leaving = Yang ditujukan kepada { $recipient } dikirim { $how }.
policy-when-at-once = seketika
policy-when-monthly = sekali sebulan, pada tanggal { $day } pukul { $hour } (Asia/Jakarta), dalam urutan acak
policy-leaf = { $recipient } menerima { $label } ({ $leaf }): { $how }.
policy-count = { $count } dari { $all } kolom diteruskan.
policy-nothing = { $recipient } tidak menerima satu kolom pun.

policy-op-keep = apa adanya
policy-op-constant = selalu “{ $value }”
policy-op-codes = hanya salah satu dari { $codes }
policy-op-year = tahunnya saja
policy-op-half-year = tengah tahunnya saja
policy-op-month = bulannya saja
policy-op-country = negaranya saja
policy-op-adm1 = provinsinya saja
policy-op-count = jumlahnya saja, sebagai { $codes }
policy-op-pseudonym = kode samaran khusus penerima
policy-op-hold = setelah diperiksa petugas penerima

policy-purpose-child_protection = pelindungan anak
policy-purpose-service_delivery = pemberian layanan
policy-purpose-reintegration = reintegrasi sosial
policy-purpose-jwg_learning = pembelajaran kelompok kerja bersama
policy-purpose-statistics = statistik
policy-purpose-legal_obligation = kewajiban hukum

policy-diff-starts = { $recipient } akan mulai menerima { $label } ({ $leaf }): { $how }.
policy-diff-stops = { $recipient } tidak akan lagi menerima { $label } ({ $leaf }).
policy-diff-differs = { $recipient } akan menerima { $label } ({ $leaf }) dengan cara lain: { $how }; selama ini { $before }.
policy-diff-code = Pada { $label } ({ $leaf }), { $code } menjadi { $how }; selama ini { $before }.
policy-diff-refused = ditolak
policy-diff-head-longer = Akan berlaku lebih lama: sampai { $after }, bukan { $before }.
policy-diff-head-shorter = Akan berakhir lebih awal: pada { $after }, bukan { $before }.
policy-diff-head-agreement = Akan berdasarkan { $after }, bukan { $before }.
policy-diff-head-purpose = Akan bertujuan { $after }, bukan { $before }.
policy-diff-head-proof-starts = Tanda tangan pengirim sendiri akan ikut diteruskan.
policy-diff-head-proof-stops = Tanda tangan pengirim sendiri tidak akan lagi diteruskan.
policy-diff-head-leaves-at-once = Akan dikirim { $after }, bukan { $before }.
policy-diff-head-leaves-monthly = Akan dikirim { $after }, bukan { $before }.
policy-diff-head-other-window = Akan dikirim { $after }, bukan { $before }.
policy-diff-nothing = { $recipient } menerima persis seperti yang diterima hari ini.
policy-diff-narrows = Tidak ada yang meluas: satu petugas boleh memberlakukannya.
policy-diff-says-otherwise = Tidak ada yang meluas, tetapi tidak semuanya hanya dihentikan: dua petugas dari unit berbeda yang memutuskan.
policy-diff-widens = { $count } perubahan memperluas yang diterima { $recipient }: dua petugas dari unit berbeda yang memutuskan.

policy-print-title = Ringkasan kebijakan berbagi data { $id }, versi { $version }
policy-print-why = Alasan: { $why }
policy-print-digest = SHA-256 dari bentuk bakunya: { $digest }
policy-print-passed = Yang diterima { $recipient }
policy-print-dropped = Yang ada dalam pesan dan tidak pernah diterima { $recipient }
policy-print-warnings = Yang perlu dilihat penyetuju
