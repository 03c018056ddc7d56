"""Task deliver-alert. A kind of channel is a module here, a kind in backstay.alert_settings, and a line in choosing."""
